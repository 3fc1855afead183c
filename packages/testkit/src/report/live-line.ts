/** A line of a terminal that is written anew again and again; where there is no terminal, nothing. */
export interface LiveLine {
  readonly show: (text: string) => void;
  readonly clear: () => void;
}

export function openLiveLine(terminal: NodeJS.WriteStream): LiveLine {
  if (!terminal.isTTY) return { show: () => {}, clear: () => {} };
  const clear = "\r\u{1b}[K";
  return {
    // One character short of the width, or it would wrap and stay.
    show: (text) => void terminal.write(clear + text.slice(0, terminal.columns - 1)),
    clear: () => void terminal.write(clear),
  };
}
