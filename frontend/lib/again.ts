import type { Query, QueryClient, QueryMeta } from "@tanstack/react-query"

/** Does something once more for as long as it is asked to meanwhile: never twice at once, and never too late. */
export class Again {
  private isDue = false
  private isRunning = false

  constructor(
    private readonly work: () => Promise<unknown>,
    private readonly gapMs = () => 0,
  ) {}

  ask(): void {
    this.isDue = true
    if (!this.isRunning) void this.run()
  }

  private async run(): Promise<void> {
    this.isRunning = true
    while (this.isDue) {
      this.isDue = false
      await this.work().catch(() => undefined) // whoever shows it tells what failed
      const gap = this.gapMs()
      if (gap > 0) await new Promise((resolve) => setTimeout(resolve, gap))
    }
    this.isRunning = false
  }
}

/** Asks the questions of a page again, each for itself. */
export class AskAgain {
  private readonly turns = new WeakMap<Query, Again>()

  constructor(private readonly queries: QueryClient) {}

  /** All that are so and may have another answer by now. */
  about(isSo: (meta: QueryMeta) => boolean): void {
    for (const query of this.queries.getQueryCache().getAll()) {
      const meta = query.meta ?? {}
      if (isSo(meta) && !meta.isFinal?.(query.state.data)) this.turnOf(query).ask()
    }
  }

  private turnOf(query: Query): Again {
    const known = this.turns.get(query)
    if (known) return known
    const work = async () => {
      // Asked while an answer is under way, the first one would be taken for the new one, and a further page be dropped.
      if (query.state.fetchStatus === "fetching") await query.promise?.catch(() => undefined)
      await this.queries.invalidateQueries({ queryKey: query.queryKey, exact: true })
    }
    const made = new Again(work, () => query.meta?.gapMs?.(query.state.data) ?? 0)
    this.turns.set(query, made)
    return made
  }
}
