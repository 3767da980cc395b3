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
