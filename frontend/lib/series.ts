/** One moment of a run: totals so far, and the memory of that moment. As `…/usage/events` tells it. */
export interface UsagePoint {
  attempt: number
  at_ms: number
  cpu_ms: number
  memory_mib_s: number
  memory_mib: number
  egress_kib: number
  wall_ms: number
  earned: string
}

/** What a chart shows of one moment; null where nothing was measured between two runs. */
export interface Moment {
  at_ms: number
  cores: number | null
  memory: number | null
  network: number | null
  /** Base units, over all runs so far. */
  money: bigint
}

const MOST = 3600
const KEPT = 600 // the newest, which stay by the second

/**
 * The moments of a deployment's runs. When there are too many, the older ones are thinned to every second one: rates
 * are over what lies between two kept moments, so that nothing is lost of a total.
 */
export class Series {
  private points: UsagePoint[] = []

  constructor(private readonly most = MOST) {}

  get length(): number {
    return this.points.length
  }

  /**
   * Take a moment; one that was taken already, or came late by the run's own clock, is left out. Whose clock tells of
   * it may change, and be behind: then the run's own says how much later it is. What came of the newest may be told
   * later.
   */
  add(point: UsagePoint): void {
    const last = this.points.at(-1)
    const isSame = last?.attempt === point.attempt
    const passed = isSame ? point.wall_ms - last.wall_ms : 2 // with room for a gap
    if (last && isSame && passed === 0) last.earned = point.earned
    if (last && (point.attempt < last.attempt || passed <= 0)) return
    const at_ms = last && point.at_ms <= last.at_ms ? last.at_ms + passed : point.at_ms
    this.points.push({ ...point, at_ms })
    if (this.points.length <= this.most) return
    const older = this.points.length - Math.min(KEPT, this.most / 2)
    const isKept = (at: number) =>
      at >= older || at % 2 === 0 || this.points[at + 1]?.attempt !== this.points[at]?.attempt
    this.points = this.points.filter((_, at) => isKept(at))
  }

  moments(): Moment[] {
    const found: Moment[] = []
    let before = 0n // earned by earlier runs
    this.points.forEach((point, at) => {
      const last = this.points[at - 1]
      const isSame = last?.attempt === point.attempt
      if (last && !isSame) {
        before += BigInt(last.earned)
        found.push({ at_ms: last.at_ms + 1, cores: null, memory: null, network: null, money: before })
      }
      const from = isSame ? last : undefined
      const ms = from ? point.at_ms - from.at_ms : point.wall_ms
      found.push({
        at_ms: point.at_ms,
        cores: over(point.cpu_ms - (from?.cpu_ms ?? 0), ms),
        memory: point.memory_mib,
        network: over((point.egress_kib - (from?.egress_kib ?? 0)) * 1000, ms),
        money: before + BigInt(point.earned),
      })
    })
    return found
  }
}

/** A rate; a meter that was set back, or two looks in one moment, tell none. */
function over(amount: number, ms: number): number | null {
  return ms > 0 && amount >= 0 ? amount / ms : null
}
