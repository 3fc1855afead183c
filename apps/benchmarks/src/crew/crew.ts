import type { Contender } from "../contender.ts";
import { Member } from "./member.ts";

/** The processes that contenders compete in, each in its own. They are there once they are asked for. */
export class Crew {
  readonly #members = new Map<Contender, Map<number, Member>>();

  memberOf(contender: Contender, which = 0): Member {
    const members = this.#members.get(contender) ?? new Map<number, Member>();
    this.#members.set(contender, members);
    const member = members.get(which) ?? new Member();
    members.set(which, member);
    return member;
  }

  async dismiss(contender?: Contender): Promise<void> {
    const leaving = contender === undefined ? [...this.#members.keys()] : [contender];
    const members = leaving.flatMap((each) => [...(this.#members.get(each)?.values() ?? [])]);
    for (const each of leaving) this.#members.delete(each);
    await Promise.all(members.map((member) => member.dismiss()));
  }
}
