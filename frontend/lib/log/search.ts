import type { LogStore } from "@/lib/log/store"

const A_LOOK = 500 // lines between two looks at the clock

/** The lines of a log that hold a text. It looks a little at a time, so that the page stays quick meanwhile. */
export class LogSearch {
  /** Numbers of the lines found so far, in order. */
  readonly found: number[] = []
  private next: number
  private readonly wanted: string

  constructor(
    private readonly log: LogStore,
    wanted: string,
  ) {
    this.wanted = wanted.toLowerCase()
    this.next = log.first
  }

  /** Look for so many milliseconds; whether there is more to look at. */
  go(ms: number): boolean {
    const until = performance.now() + ms
    this.forget()
    this.next = Math.max(this.next, this.log.first)
    while (this.next < this.log.end) {
      const stop = Math.min(this.next + A_LOOK, this.log.end)
      for (; this.next < stop; this.next++) {
        if (this.log.at(this.next)?.text.toLowerCase().includes(this.wanted)) this.found.push(this.next)
      }
      if (performance.now() > until) return this.next < this.log.end
    }
    return false
  }

  /** Lines that are no longer there. */
  private forget(): void {
    const [oldest] = this.found
    if (oldest === undefined || oldest >= this.log.first) return
    const gone = this.found.findIndex((number) => number >= this.log.first)
    this.found.splice(0, gone < 0 ? this.found.length : gone)
  }
}
