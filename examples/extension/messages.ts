import type { Prediction } from "resnet-edge";
import type { Friendly } from "./friendly.js";

/** What popup and options ask: a picture as a data URL, one of a page's, what the model knows; or that there is another model. */
export type Request =
  | { readonly picture: string }
  | { readonly address: string; readonly tabId: number }
  | { readonly knows: true }
  | { readonly changed: true };

/** The last answer, kept for the session: the popup and the service worker both come and go. */
export type Result =
  | {
      readonly predictions: readonly Prediction[];
      readonly thumbnail: string;
      readonly where: string;
      readonly ms: number;
    }
  | Friendly;
