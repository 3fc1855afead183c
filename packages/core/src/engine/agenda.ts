import type { Clock } from "./clock.ts";

/** Something that is to happen at a time. It carries its own place in the heap, so that setting and cancelling are cheap. */
export interface Appointment {
  /** Written by the agenda alone; `UNSET` to begin with. */
  slot: number;
  /** Its time has come. It isn't set any more and may be set again. */
  due(now: number): void;
}

/** The slot of an appointment that isn't set. */
export const UNSET = -1;
// The slot of one that was taken off the heap and is about to be told.
const DUE = -2;

/**
 * All appointments of an engine on one timer: a binary heap ordered by time. The timer is set for the earliest and
 * left alone when that one is cancelled (it then rings in vain, once), so an uncontended lock sets none. One that is cancelled leaves a gap,
 * and the gaps are closed together once they are half of the heap: those who wait mostly leave in the order in which they came, and
 * taking the first out of a heap moves as many as it is deep.
 */
export class Agenda {
  readonly #clock: Clock;
  readonly #keepAlive: boolean;
  readonly #heap: (Appointment | null)[] = [];
  // Beside the heap, so that comparing looks at nothing else.
  readonly #times: number[] = [];
  #gaps = 0;
  #timer: { cancel(): void } | null = null;
  #ringsAt = Infinity;

  /** `keepAlive`: whether the process stays up while something is set. */
  constructor(clock: Clock, keepAlive: boolean) {
    this.#clock = clock;
    this.#keepAlive = keepAlive;
  }

  get size(): number {
    return this.#heap.length - this.#gaps;
  }

  /** Sets it for `at`, or moves it there. `Infinity` cancels. */
  set(appointment: Appointment, at: number): void {
    if (at === Infinity) return this.cancel(appointment);
    if (appointment.slot < 0) {
      this.#put(appointment, at, this.#heap.length);
    } else {
      this.#times[appointment.slot] = at;
      this.#sink(appointment.slot);
    }
    this.#rise(appointment.slot);
    if (at < this.#ringsAt) this.#arm(at);
  }

  cancel(appointment: Appointment): void {
    const { slot } = appointment;
    appointment.slot = UNSET;
    if (slot < 0) return;
    if (slot === this.#heap.length - 1) {
      this.#heap.pop();
      this.#times.pop();
    } else {
      this.#heap[slot] = null;
      this.#gaps += 1;
    }
    if (this.#gaps * 2 > this.#heap.length) this.#closeGaps();
    // One that keeps the process up must not do so for nothing.
    if (this.size === 0 && this.#keepAlive) this.#disarm();
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#ringsAt = at;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#ring(), this.#keepAlive);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#ringsAt = Infinity;
  }

  #ring(): void {
    this.#timer = null;
    this.#ringsAt = Infinity;
    const now = this.#clock.now();
    // Only what is due now: an appointment that sets itself again for this very moment waits for the next ring.
    const due: Appointment[] = [];
    // A gap that comes first is closed as well: it would ring in vain, or keep the process up for nothing.
    while (this.#heap[0] === null || this.#times[0]! <= now) {
      const first = this.#takeFirst();
      if (first === null) continue;
      first.slot = DUE;
      due.push(first);
    }
    try {
      for (const appointment of due) {
        // One that was told may have cancelled another of them, or set it anew.
        if (appointment.slot !== DUE) continue;
        appointment.slot = UNSET;
        appointment.due(now);
      }
    } finally {
      // Those behind one that threw are due still.
      for (const appointment of due) if (appointment.slot === DUE) this.set(appointment, now);
      const first = this.#times[0];
      if (first !== undefined && first < this.#ringsAt) this.#arm(first);
    }
  }

  /** Takes the first off the heap; `null`: it was cancelled. */
  #takeFirst(): Appointment | null {
    const first = this.#heap[0] ?? null;
    if (first === null) this.#gaps -= 1;
    const last = this.#heap.pop() ?? null;
    const at = this.#times.pop()!;
    if (this.#heap.length > 0) {
      this.#put(last, at, 0);
      this.#sink(0);
    }
    return first;
  }

  #closeGaps(): void {
    let kept = 0;
    for (let slot = 0; slot < this.#heap.length; slot += 1) {
      const appointment = this.#heap[slot] ?? null;
      if (appointment === null) continue;
      this.#put(appointment, this.#times[slot]!, kept);
      kept += 1;
    }
    this.#heap.length = this.#times.length = kept;
    this.#gaps = 0;
    for (let slot = (kept >> 1) - 1; slot >= 0; slot -= 1) this.#sink(slot);
  }

  #rise(from: number): void {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (this.#times[parent]! <= this.#times[slot]!) return;
      this.#swap(parent, slot);
      slot = parent;
    }
  }

  #sink(from: number): void {
    const times = this.#times;
    let slot = from;
    for (;;) {
      const left = 2 * slot + 1;
      if (left >= times.length) return;
      const right = left + 1;
      const least = right < times.length && times[right]! < times[left]! ? right : left;
      if (times[least]! >= times[slot]!) return;
      this.#swap(slot, least);
      slot = least;
    }
  }

  #swap(one: number, other: number): void {
    const appointment = this.#heap[one] ?? null;
    const at = this.#times[one]!;
    this.#put(this.#heap[other] ?? null, this.#times[other]!, one);
    this.#put(appointment, at, other);
  }

  #put(appointment: Appointment | null, at: number, slot: number): void {
    this.#heap[slot] = appointment;
    this.#times[slot] = at;
    if (appointment !== null) appointment.slot = slot;
  }
}
