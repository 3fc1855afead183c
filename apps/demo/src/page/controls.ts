import type { ProviderChoice } from "../providers/choices.ts";
import type { Mishap, NumberField, SalePlan } from "../sale/plan.ts";
import type { Setup } from "../server/view.ts";
import { element } from "./element.ts";

const FIELDS: readonly NumberField[] = ["stock", "buyers", "checkouts", "charge"];

/** The form in which a sale is planned. What it may contain is the server's to say. */
export class Controls {
  readonly #form = element("#plan", HTMLFormElement);
  readonly #run = element("#run", HTMLButtonElement);
  readonly #stop = element("#stop", HTMLButtonElement);
  readonly #problem = element("#problem", HTMLElement);
  readonly #setup: Setup;
  readonly #mishaps = {
    kill: {
      button: element("#kill", HTMLButtonElement),
      now: "Kill the holder",
      first: "Run, kill the holder",
    },
    freeze: {
      button: element("#freeze", HTMLButtonElement),
      now: "Freeze it for 4 s",
      first: "Run, freeze it for 4 s",
    },
  };
  /** `null`: not yet known, and nothing can be begun. */
  #running: boolean | null = null;

  constructor(setup: Setup) {
    this.#setup = setup;
    const providers = element("#providers", HTMLElement);
    for (const choice of setup.providers) providers.append(providerOption(choice));
    for (const field of FIELDS) {
      const { min, max, initial } = setup.ranges[field];
      const input = this.#input(field);
      Object.assign(input, { min, max, value: initial });
    }
    this.#form.addEventListener("change", () => this.#refresh());
    this.#refresh();
  }

  onRun(run: (plan: SalePlan) => void): void {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#running === false) run(this.#plan(null));
    });
  }

  onStop(stop: () => void): void {
    this.#stop.addEventListener("click", stop);
  }

  /** The buttons strike the running sale; when there is none, they begin one in which it will happen. */
  onMishap(strike: (mishap: Mishap) => void, run: (plan: SalePlan) => void): void {
    for (const mishap of ["kill", "freeze"] as const) {
      this.#mishaps[mishap].button.addEventListener("click", () =>
        this.#running ? strike(mishap) : run(this.#plan(mishap)),
      );
    }
  }

  set running(running: boolean) {
    this.#running = running;
    this.#run.disabled = running;
    this.#run.textContent = running ? "Running…" : "Run";
    this.#stop.hidden = !running;
    this.#refresh();
  }

  /** Says what is wrong, and with which field. */
  complain(message: string | null, field: string | null = null): void {
    this.#problem.hidden = message === null;
    this.#problem.textContent = message;
    for (const name of FIELDS) this.#input(name).ariaInvalid = name === field ? "true" : null;
    if (FIELDS.includes(field as NumberField)) this.#input(field as NumberField).focus();
  }

  #input(field: NumberField): HTMLInputElement {
    return element(`#${field}`, HTMLInputElement);
  }

  #plan(mishap: Mishap | null): SalePlan {
    const data = new FormData(this.#form);
    // An empty field is no number; as 0 it might pass for one.
    const number = (field: NumberField): number =>
      data.get(field) === "" ? Number.NaN : Number(data.get(field));
    return {
      stock: number("stock"),
      buyers: number("buyers"),
      checkouts: number("checkouts"),
      charge: number("charge"),
      locks: data.get("locks") === "on",
      provider: data.get("provider") as SalePlan["provider"],
      mishap,
    };
  }

  #refresh(): void {
    const { locks, provider } = this.#plan(null);
    const processes = this.#setup.providers.find(({ id }) => id === provider)?.processes ?? false;
    element("#code", HTMLElement).classList.toggle("unlocked", !locks);
    element("#checkouts-note", HTMLElement).textContent = processes
      ? "Each checkout is a process of its own, one buyer at a time."
      : "All checkouts share one process, one buyer at a time each.";
    for (const { button, now, first } of Object.values(this.#mishaps)) {
      button.disabled = !processes || this.#running === null;
      button.textContent = this.#running ? now : first;
    }
    element("#mishap-note", HTMLElement).textContent = processes
      ? "Kill: SIGKILL, nothing is released. Freeze: stopped for twice its 2 s lease, it wakes up and writes as if nothing had happened."
      : this.#setup.oneProcess;
  }
}

function providerOption({ id, label, available, processes, variable }: ProviderChoice): HTMLElement {
  const option = document.createElement("label");
  option.className = "provider";
  const input = document.createElement("input");
  Object.assign(input, {
    type: "radio",
    name: "provider",
    value: id,
    disabled: !available,
    checked: id === "in-memory",
  });
  const text = document.createElement("span");
  const hint = document.createElement("small");
  hint.textContent = available ? (processes ? "between processes" : "within one process") : `set ${variable}`;
  text.append(label, hint);
  option.append(input, text);
  return option;
}
