import type { Contender } from "../contender.ts";
import { AT_ONCE } from "../plan.ts";
import { competing, entry, rotated, type Stage } from "./stage.ts";

export const oneAtATime = "one at a time";
export const manyAtATime: string = `${AT_ONCE} at a time, own keys`;

/** Take and give back where nobody is in the way. */
export async function playUncontended(stage: Stage): Promise<void> {
  const { backend, plan, sheet } = stage;
  for (const [variant, at] of [
    [oneAtATime, 1],
    [manyAtATime, AT_ONCE],
  ] as const) {
    stage.tell(`uncontended, ${variant}`);
    const contenders = competing(stage, "uncontended");
    const play = async (contender: Contender, milliseconds: number): Promise<number> => {
      const asked = { ...entry(stage, contender, AT_ONCE), milliseconds, at };
      const { perSecond } = await stage.memberOf(contender).ask("uncontended", asked);
      return perSecond;
    };
    for (const contender of contenders) await play(contender, plan.warmUpMilliseconds);
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const contender of rotated(contenders, round)) {
        const perSecond = await play(contender, plan.uncontendedMilliseconds);
        sheet.add({ backend, part: "uncontended", variant }, contender, "ops/s", perSecond);
      }
    }
  }
}
