/** Figures and times as people read them. Times are Unix milliseconds unless a name says otherwise. */

export function short(id: string): string {
  return id.length > 14 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
}

export function ago(ms: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - ms) / 1000))
  return seconds < 3 ? "just now" : `${duration(seconds)} ago`
}

export function mib(amount: number): string {
  return amount >= 1024 ? `${trimmed(amount / 1024, 1)} GiB` : `${amount} MiB`
}

export function kib(amount: number): string {
  if (amount >= 1024 * 1024) return `${trimmed(amount / 1024 / 1024, 1)} GiB`
  return amount >= 1024 ? `${trimmed(amount / 1024, 1)} MiB` : `${amount} KiB`
}

/** Bytes. */
export function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : kib(Math.ceil(bytes / 1024))
}

export function cpus(millis: number): string {
  return trimmed(millis / 1000, 2)
}

export function trimmed(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)))
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" })

export function at(ms: number): string {
  return CLOCK.format(ms)
}

/** `UsageReported` → `Usage reported`, `cancelJob` → `Cancel job`. */
export function spaced(name: string): string {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
