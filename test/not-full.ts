/** Why what takes minutes is skipped; empty with FULL=1: npm run test:full. */
export const notFull = process.env.FULL ? "" : " (skipped: FULL is not set)";
