import * as library from "resnet-edge";
import { probe } from "../../../probe.js";

export const dynamic = "force-dynamic";

export default async function Page() {
  const answer = await probe(library, { photo: process.env.RESNET_EDGE_PHOTO });
  return <pre id="answer">{JSON.stringify(answer)}</pre>;
}
