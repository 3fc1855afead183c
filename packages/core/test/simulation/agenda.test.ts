import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Agenda, UNSET, type Appointment } from "../../src/engine/agenda.ts";
import { ManualClock } from "./manual-clock.ts";

class Note implements Appointment {
  slot: number = UNSET;
  readonly told: number[] = [];
  readonly #then: (now: number) => void;

  constructor(then: (now: number) => void = () => {}) {
    this.#then = then;
  }

  due(now: number): void {
    this.told.push(now);
    this.#then(now);
  }
}

let clock: ManualClock;
let agenda: Agenda;
beforeEach(() => {
  clock = new ManualClock();
  agenda = new Agenda(clock, true);
});

describe("the agenda", () => {
  test("tells each appointment once, at its time, in order of time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000), { maxLength: 60 }), async (times) => {
        const clock = new ManualClock();
        const agenda = new Agenda(clock, true);
        const told: number[] = [];
        for (const at of times) agenda.set(new Note((now) => told.push(now)), at);
        await clock.run(1_000);
        expect(told).toEqual([...times].sort((a, b) => a - b));
        expect([agenda.size, clock.pending]).toEqual([0, 0]);
      }),
    );
  });

  test("whatever is set, moved and cancelled, just what stands is told, and no timer stays", async () => {
    const change = fc.record({ which: fc.nat(9), at: fc.option(fc.nat(500), { nil: Infinity }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 80 }), async (changes) => {
        const clock = new ManualClock();
        const agenda = new Agenda(clock, true);
        const notes = Array.from({ length: 10 }, () => new Note());
        const stands = new Map<number, number>();
        for (const { which, at } of changes) {
          agenda.set(notes[which]!, at);
          if (at === Infinity) stands.delete(which);
          else stands.set(which, at);
        }
        await clock.run(500);
        expect(notes.map((note) => note.told)).toEqual(
          notes.map((_note, which) => (stands.has(which) ? [stands.get(which)] : [])),
        );
        expect(clock.pending).toBe(0);
      }),
    );
  });

  test("one timer serves them all", () => {
    for (const at of [30, 20, 10, 40]) agenda.set(new Note(), at);
    expect(clock.pending).toBe(1);
  });

  test("cancelling the last leaves no timer that keeps the process up", () => {
    const note = new Note();
    agenda.set(note, 10);
    agenda.cancel(note);
    agenda.cancel(note);
    expect(clock.pending).toBe(0);
  });

  test("one that is set for never leaves nothing behind", () => {
    const note = new Note();
    agenda.set(note, Infinity);
    expect(agenda.size).toBe(0);
    agenda.set(note, 10);
    agenda.set(note, Infinity);
    expect([agenda.size, clock.pending]).toEqual([0, 0]);
  });

  test("cancelling one delays no other", async () => {
    const notes = [1, 10, 2, 11, 12, 3, 4].map((at) => ({ at, note: new Note() }));
    for (const { at, note } of notes) agenda.set(note, at);
    agenda.cancel(notes[3]!.note);
    for (const at of [20, 21, 22]) agenda.set(new Note(), at);
    await clock.run(30);
    expect(notes.map(({ note }) => note.told)).toEqual([[1], [10], [2], [], [12], [3], [4]]);
  });

  test("whatever was cancelled before, nothing is left once the rest has been told", async () => {
    const notes = Array.from({ length: 40 }, () => new Note());
    for (const [at, note] of notes.entries()) agenda.set(note, at < 20 ? 100 + at : at);
    for (const note of notes.slice(1, 20)) agenda.cancel(note);
    agenda.set(notes[0]!, 50);
    expect(agenda.size).toBe(21);
    await clock.run(50);
    expect(notes.map(({ told }) => told.length)).toEqual(
      notes.map((_note, at) => (at > 0 && at < 20 ? 0 : 1)),
    );
    expect([agenda.size, clock.pending]).toEqual([0, 0]);
  });

  test("one that is told may cancel another that is due as well", async () => {
    const second = new Note();
    const first = new Note(() => agenda.cancel(second));
    agenda.set(first, 10);
    agenda.set(second, 10);
    await clock.run(100);
    expect([first.told, second.told]).toEqual([[10], []]);
  });

  test("one that is told may move another that is due as well", async () => {
    const second = new Note();
    agenda.set(new Note(() => agenda.set(second, 50)), 10);
    agenda.set(second, 10);
    await clock.run(100);
    expect(second.told).toEqual([50]);
  });

  test("one that sets itself again for this very moment lets time go on", async () => {
    let left = 3;
    const again: Note = new Note((now) => {
      left -= 1;
      if (left > 0) agenda.set(again, now);
    });
    agenda.set(again, 10);
    await clock.run(20);
    expect(again.told).toEqual([10, 10, 10]);
    expect(clock.pending).toBe(0);
  });

  test("one that throws does not keep the others that are due from being told", async () => {
    const notes = [new Note(), new Note(), new Note()];
    agenda.set(
      new Note(() => {
        throw new Error("by mistake");
      }),
      5,
    );
    for (const note of notes) agenda.set(note, 10);
    agenda.cancel(notes[1]!);
    clock.jump(20);
    await expect(clock.run(20)).rejects.toThrow("by mistake");
    await clock.run(30);
    expect(notes.map(({ told }) => told)).toEqual([[20], [], [20]]);
    expect([agenda.size, clock.pending]).toEqual([0, 0]);
  });

  test("a time that has passed is told at once", async () => {
    await clock.run(100);
    const note = new Note();
    agenda.set(note, 50);
    await clock.step(100);
    expect(note.told).toEqual([100]);
  });
});
