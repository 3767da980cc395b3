// What a terminal would take for an order: colours and cursor moves (CSI), titles and links (OSC), and single escapes.
const ORDERS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[PX^_][^\u001b]*\u001b\\|[@-Z\\-_])/g
// Controls, what turns the direction of reading, and what has no width; not what joins letters in many scripts.
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
const HAS_ODD = new RegExp(ODD.source)

/** A stranger's words, of which nothing is hidden or turns what is around it: controls as a terminal writes them, `^G`. */
export function visible(text: string): string {
  return HAS_ODD.test(text) ? text.replace(ODD, marked) : text
}

/** What a program printed: as `visible`, with what was meant for a terminal alone left out. */
export function printable(text: string): string {
  return HAS_ODD.test(text) ? visible(text.replace(ORDERS, "")) : text
}

function marked(sign: string): string {
  const code = sign.charCodeAt(0)
  if (code === 0x0d) return "" // of a line's end on another system, or of a progress bar
  return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : "\ufffd"
}
