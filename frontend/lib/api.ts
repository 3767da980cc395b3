import { joined } from "@/lib/content/unixfs"
import type { components } from "@/generated/api"

export type Schemas = components["schemas"]
export type Agent = Schemas["AgentBody"]
export type Summary = Schemas["DeploymentSummary"]
export type Deployment = Schemas["Deployment"]
export type Run = Schemas["RunBody"]
export type Transaction = Schemas["TransactionBody"]
export type Market = Schemas["Market"]
export type BundleReceipt = Schemas["BundleReceipt"]
export type Manifest = BundleReceipt["manifest"]
export type DueRun = Schemas["DueRun"]
/** What one report added to what a job has cost. */
export type Spent = Schemas["SpendingBody"]

/** A refusal of the scheduler's (RFC 9457), or its silence (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly fix = "",
  ) {
    super(fix ? `${detail} ${fix}` : detail)
    this.name = "ApiError"
  }
}

/** The scheduler's HTTP API. The session is a cookie that no script can read. */
export class Api {
  constructor(readonly base: string) {}

  /** What has not changed since it was asked for last is not sent again: the browser keeps it with its tag. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.read<T>(await this.ask(path, { cache: "no-cache", ...(signal ? { signal } : {}) }))
  }

  /** The same; null where there is no such thing. */
  async find<T>(path: string, signal?: AbortSignal): Promise<T | null> {
    try {
      return await this.get<T>(path, signal)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null
      throw error
    }
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    const headers = { "Content-Type": "application/json" }
    return this.read<T>(await this.ask(path, { method: "POST", headers, body: JSON.stringify(body) }))
  }

  async remove(path: string): Promise<void> {
    await this.check(await this.ask(path, { method: "DELETE" }))
  }

  /** Upload a folder, as a plain tar of it. */
  async upload(archive: Blob, consumer: string, salt: string, watch: boolean): Promise<BundleReceipt> {
    const query = new URLSearchParams({ consumer, salt, watch: String(watch) })
    const headers = { "Content-Type": "application/octet-stream" }
    return this.read(await this.ask(`/v1/bundles?${query}`, { method: "POST", headers, body: archive }))
  }

  /** A body as it is, of at most so many bytes. */
  async bytes(path: string, most: number, signal?: AbortSignal): Promise<Uint8Array> {
    const answer = await this.ask(path, signal ? { signal } : {})
    await this.check(answer)
    if (!answer.body) return new Uint8Array()
    const pieces: Uint8Array[] = []
    let size = 0
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.byteLength
      if (size > most) {
        await reader.cancel()
        throw new ApiError(0, "What the scheduler sends is larger than this page takes.", "Fetch it with `draas`.")
      }
      pieces.push(value)
    }
    return joined(pieces)
  }

  private async ask(path: string, options: RequestInit): Promise<Response> {
    try {
      return await fetch(this.base + path, { cache: "no-store", credentials: "include", ...options })
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error
      throw new ApiError(0, "The scheduler does not answer.", "Is it running, and does it allow this page's origin?")
    }
  }

  private async read<T>(answer: Response): Promise<T> {
    await this.check(answer)
    return (await answer.json()) as T
  }

  private async check(answer: Response): Promise<void> {
    if (answer.ok) return
    const told: unknown = await answer.json().catch(() => null)
    const body = typeof told === "object" && told !== null ? (told as Record<string, unknown>) : {}
    const text = (name: string) => (typeof body[name] === "string" ? (body[name] as string) : "")
    throw new ApiError(answer.status, text("detail") || `The scheduler answers ${answer.status}.`, text("fix"))
  }
}

export interface Page<T> {
  items: T[]
  next: string | null
}

/** All items of a paged list, up to `most`. */
export async function everyItem<T>(api: Api, path: string, most: number, signal?: AbortSignal): Promise<T[]> {
  const found: T[] = []
  let cursor: string | null = ""
  while (cursor !== null && found.length < most) {
    const query: string = `${path.includes("?") ? "&" : "?"}limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const page: Page<T> = await api.get(path + query, signal)
    found.push(...page.items)
    cursor = page.next
  }
  return found
}
