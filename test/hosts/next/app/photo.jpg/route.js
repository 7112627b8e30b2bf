import { readFile } from "node:fs/promises";

export const dynamic = "force-dynamic";

export async function GET() {
  return new Response(await readFile(process.env.RESNET_EDGE_PHOTO), { headers: { "content-type": "image/jpeg" } });
}
