import { loadClassifier, loadModel } from "resnet-edge";
import { probe } from "../../../probe.js";

export const dynamic = "force-dynamic";

export async function GET() {
  return Response.json(await probe({ loadClassifier, loadModel }, { photo: process.env.RESNET_EDGE_PHOTO }));
}
