// A process of the benchmarks: a member of a crew, or a link with a delay.
import { serve } from "./crew/serve.ts";
import { startLink } from "./link/link.ts";

if (process.argv[2] === "link") startLink();
else serve();
