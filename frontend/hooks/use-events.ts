"use client"

import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useRef, useState } from "react"

import { useMarket } from "@/hooks/market"

export type Link = "connecting" | "live" | "stale" | "over"

const SILENT_MS = 25_000
const LOOK_MS = 5000
const AGAIN_MS = [500, 1000, 2000, 5000]

export interface EventsOptions {
  /** Names of events, each with what is done about one: its data, and its id. */
  on: Readonly<Record<string, (data: string, id: string) => void>>
  /** Where to go on after a lost connection: the id of the last event that was taken. */
  resume?: string
  /** An event after which nothing more comes. */
  last?: string
  /** How long (ms) the stream is silent at most while all is well, when that is known. */
  silentMs?: number
}

/**
 * Follow a stream of server-sent events with this page's session. A connection that was lost is made anew from where
 * it broke off; meanwhile the page is stale, and says so. A tab that is hidden has no connection until it is seen.
 */
export function useEvents(path: string | null, options: EventsOptions): Link {
  const { api } = useMarket()
  const queries = useQueryClient()
  const [link, setLink] = useState<Link>("connecting")
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  useEffect(() => {
    if (path === null) return
    let source: EventSource | null = null
    let timer = 0
    let heardAt = 0
    let tries = 0
    let position = latest.current.resume ?? ""
    let ended = false

    const open = () => {
      const after = position ? `${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(position)}` : ""
      source = new EventSource(api.base + path + after, { withCredentials: true })
      source.onopen = () => {
        tries = 0
        heardAt = Date.now()
        setLink("live")
      }
      source.onerror = again
      for (const [name, take] of Object.entries(latest.current.on)) {
        source.addEventListener(name, (event: MessageEvent<string>) => {
          if (event.lastEventId) position = event.lastEventId
          heardAt = Date.now()
          ;(latest.current.on[name] ?? take)(event.data, event.lastEventId)
        })
      }
      source.addEventListener("expired", () => void queries.invalidateQueries({ queryKey: ["session"] }))
      const last = latest.current.last
      if (last) {
        source.addEventListener(last, () => {
          ended = true
          window.clearTimeout(timer)
          source?.close()
          setLink("over")
        })
      }
    }
    const again = () => {
      source?.close()
      if (ended) return
      setLink((was) => (was === "over" ? was : "stale"))
      window.clearTimeout(timer)
      timer = window.setTimeout(open, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)])
    }
    // What keeps a connection alive is not told to a page: after a silence it is made anew, which shows whether it holds.
    const look = () => {
      const silent = Date.now() - heardAt
      const { silentMs } = latest.current
      if (silentMs !== undefined && source?.readyState === EventSource.OPEN && silent > silentMs) return again()
      if (ended || silent < SILENT_MS) return
      if (source?.readyState === EventSource.CONNECTING && silent > SILENT_MS + LOOK_MS) setLink("stale")
      if (source?.readyState !== EventSource.OPEN) return
      source.close()
      open()
    }
    // Nobody looks at a hidden tab, and a browser has six connections to a host for all its tabs.
    const wake = () => {
      if (ended) return
      if (document.hidden) {
        window.clearTimeout(timer)
        source?.close()
        source = null
        setLink("connecting")
      } else if (source === null || source.readyState === EventSource.CLOSED) {
        tries = 0
        window.clearTimeout(timer)
        open()
      }
    }
    const cut = () => source && again() // a silence would tell it late; where the market is at home, it is there again
    if (!document.hidden) open()
    document.addEventListener("visibilitychange", wake)
    window.addEventListener("online", wake)
    window.addEventListener("offline", cut)
    const silence = window.setInterval(look, LOOK_MS)
    return () => {
      ended = true
      document.removeEventListener("visibilitychange", wake)
      window.removeEventListener("online", wake)
      window.removeEventListener("offline", cut)
      window.clearInterval(silence)
      window.clearTimeout(timer)
      source?.close()
    }
  }, [api, path, queries])
  return link
}
