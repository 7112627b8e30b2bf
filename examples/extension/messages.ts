import type { Prediction } from "resnet-edge";

/** What the popup asks: a picture as a data URL, or one of a page's. */
export type Request = { readonly picture: string } | { readonly address: string; readonly tabId: number };

/** The last answer, kept for the session: the popup and the service worker both come and go. */
export type Result =
  | {
      readonly predictions: readonly Prediction[];
      readonly thumbnail: string;
      readonly where: string;
      readonly ms: number;
    }
  | { readonly error: string };
