import { UnsupportedModelError } from "../errors.js";
import type { Network, ResidualNetwork } from "../graph/network.js";

export function isResidual(network: Network): network is ResidualNetwork {
  return network.architecture.block !== undefined;
}

/** Throws `UnsupportedModelError` for a network whose structure has no other readings. */
export function asResidual(network: Network): ResidualNetwork {
  if (isResidual(network)) return network;
  throw new UnsupportedModelError(
    `The structure of ${network.architecture.name} is stated by its file: there are no other readings to compare it with.`,
  );
}
