import type { Catalogue } from "../broken.ts";
import { ReferenceClass } from "../references/reference-class.ts";
import { ReferenceStore } from "../references/reference-store.ts";
import { ServedStore } from "../references/served-store.ts";
import { SharedStore } from "../references/shared-store.ts";
import { byHand } from "./by-hand.ts";
import { fencing } from "./fencing.ts";
import { holding } from "./holding.ts";
import { inspection } from "./inspection.ts";
import { instances } from "./instances.ts";
import { keys } from "./keys.ts";
import { leaks } from "./leaks.ts";
import { loss } from "./loss.ts";
import { owners } from "./owners.ts";
import { queue } from "./queue.ts";
import { releaseAll } from "./release-all.ts";
import { remote } from "./remote.ts";
import { replies } from "./replies.ts";

/** All defects, by the candidate that they are defects of. */
export const catalogues: Readonly<Record<string, Catalogue>> = {
  stores: {
    correct: { Store: ReferenceStore },
    broken: [
      ...holding,
      ...releaseAll,
      ...owners,
      ...queue,
      ...keys,
      ...fencing,
      ...loss,
      ...replies,
      ...inspection,
      ...leaks,
    ],
  },
  shared: { correct: { Store: SharedStore }, broken: instances },
  served: { correct: { Store: ServedStore }, broken: remote },
  "by hand": { correct: { Class: ReferenceClass }, broken: byHand },
};
