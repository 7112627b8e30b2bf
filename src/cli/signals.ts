import { constants } from "node:os";

/** What a shell says of a command that a signal ended: 130 for Ctrl-C. By its name: in Deno a signal's listener is given no number. */
export const statusOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];
