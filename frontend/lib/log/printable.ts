// What a terminal would take for an order: colours and cursor moves (CSI), titles and links (OSC), and single escapes.
const ORDERS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[PX^_][^\u001b]*\u001b\\|[@-Z\\-_])/g
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const HAS_ODD = new RegExp(ODD.source)

/** What a program printed, as text that stays in its line: colours left out, controls as a terminal writes them, `^G`. */
export function printable(text: string): string {
  if (!HAS_ODD.test(text)) return text
  return text.replace(ORDERS, "").replace(ODD, shown)
}

function shown(sign: string): string {
  const code = sign.charCodeAt(0)
  if (code === 0x0d) return "" // of a line's end on another system, or of a progress bar
  return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : "\ufffd"
}
