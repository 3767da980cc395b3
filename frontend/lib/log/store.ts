import { printable } from "@/lib/printable"

export interface LogLine {
  seq: number
  attempt: number
  at_ms: number
  stream: string
  text: string
  /** Its program has not ended it: what follows on its stream belongs to it. */
  goes_on?: boolean
}

const MOST = 200_000
const AT_ONCE = 20_000 // dropped from the beginning, so that dropping costs nothing most of the time

/**
 * The lines of a log that were read so far. Numbers of lines count from 0 and stay the same when the oldest go. Adding
 * costs the same however many there are: nothing is copied.
 */
export class LogStore {
  private readonly lines: LogLine[] = []
  private dropped = 0
  private attempts = new Set<number>()

  constructor(private readonly most = MOST) {}

  /** The number of the oldest line that is still here. */
  get first(): number {
    return this.dropped
  }

  /** The number of the next line to come. */
  get end(): number {
    return this.dropped + this.lines.length
  }

  get hasManyRuns(): boolean {
    return this.attempts.size > 1
  }

  at(number: number): LogLine | undefined {
    return this.lines[number - this.dropped]
  }

  add(more: LogLine[]): void {
    for (const line of more) {
      const text = printable(line.text)
      this.lines.push(text === line.text ? line : { ...line, text })
      this.attempts.add(line.attempt)
    }
    if (this.lines.length <= this.most + AT_ONCE) return
    this.dropped += this.lines.length - this.most
    this.lines.splice(0, this.lines.length - this.most)
  }

  /** All of it as a file, a part at a time. */
  *text(): Generator<string> {
    let isBegun = false
    for (const line of this.lines) {
      const head = isBegun ? "" : `${new Date(line.at_ms).toISOString()} run ${line.attempt} ${line.stream} `
      isBegun = line.goes_on === true
      yield `${head}${line.text}${isBegun ? "" : "\n"}`
    }
  }
}
