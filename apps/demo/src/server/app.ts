import { readFile } from "node:fs/promises";
import { Hono } from "hono";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";
import { providerChoices, urlOf } from "../providers/choices.ts";
import { ONE_PROCESS, PlanError, RANGES, readPlan } from "../sale/plan.ts";
import type { Stage } from "./stage.ts";
import type { Broadcast, Setup } from "./view.ts";

const page = new URL("../page/", import.meta.url);
const built = new URL("../../dist/page.js", import.meta.url);
const style = (name: string): File => ({ url: new URL(`style/${name}.css`, page), type: "text/css" });

interface File {
  readonly url: URL;
  readonly type: string;
}

const files: Readonly<Record<string, File>> = {
  "/": { url: new URL("index.html", page), type: "text/html" },
  "/page.js": { url: built, type: "text/javascript" },
  "/style/colors.css": style("colors"),
  "/style/page.css": style("page"),
  "/style/controls.css": style("controls"),
  "/style/actions.css": style("actions"),
  "/style/result.css": style("result"),
  "/style/picture.css": style("picture"),
};

/** The page, and what it asks for. */
export function createApp(stage: Stage, environment: NodeJS.ProcessEnv): Hono {
  const app = new Hono();
  const providers = providerChoices(environment);
  app.use(csrf());

  for (const [path, { url, type }] of Object.entries(files)) {
    app.get(path, async (context) => {
      context.header("cache-control", "no-cache");
      return context.body(await readFile(url, "utf8"), 200, { "content-type": `${type}; charset=utf-8` });
    });
  }

  app.get("/api/setup", (context) =>
    context.json({ ranges: RANGES, providers, oneProcess: ONE_PROCESS } satisfies Setup),
  );

  app.get("/api/live", (context) =>
    streamSSE(context, async (stream) => {
      const send = (broadcast: Broadcast): void =>
        void stream.writeSSE({ event: broadcast.event, data: JSON.stringify(broadcast.data) });
      send({ event: "scene", data: stage.scene });
      const leave = stage.watch(send);
      await new Promise<void>((resolve) => stream.onAbort(resolve));
      leave();
    }),
  );

  app.post("/api/sales", async (context) => {
    const plan = readPlan(await context.req.json<unknown>().catch(() => null), providers);
    if (stage.isBusy)
      return context.json({ message: "A sale is running: wait for its end, or stop it." }, 409);
    stage.start(plan, urlOf(plan.provider, environment));
    return context.json({}, 202);
  });

  app.delete("/api/sales/current", async (context) => {
    await stage.stop();
    return context.body(null, 204);
  });

  for (const mishap of ["kill", "freeze"] as const) {
    app.post(`/api/sales/current/${mishap}`, (context) => {
      const message = stage.strike(mishap);
      return message === null ? context.json({}, 202) : context.json({ message }, 409);
    });
  }

  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    if (error instanceof PlanError) return context.json({ message: error.message, field: error.field }, 400);
    console.error(error);
    return context.json({ message: "The server made a mistake; its console says which." }, 500);
  });
  return app;
}
