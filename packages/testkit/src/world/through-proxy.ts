import { startProxy, type FaultProxy } from "../proxy.ts";
import type { SubjectWorld } from "../subject.ts";

/** Starts a proxy before the backend whose URL stands in this variable; `env` is the environment that leads through it. */
export async function throughProxy(
  env: SubjectWorld["env"],
  urlVariable: string,
): Promise<{ readonly proxy: FaultProxy; readonly env: SubjectWorld["env"] }> {
  const url = new URL(env[urlVariable] ?? "");
  if (url.port === "") throw new Error(`${urlVariable} needs to name the port: ${url.protocol}//…:1234`);
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `${proxy.host}:${proxy.port}`;
  return { proxy, env: { ...env, [urlVariable]: url.href } };
}
