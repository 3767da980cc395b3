"use client"

import { useCallback, useEffect, useState } from "react"
import { toHex } from "viem"

import { dropDraft, loadDraft, saveDraft, type Draft } from "@/lib/bundle/draft"
import type { Folder } from "@/lib/bundle/files"

/** What is about to be posted; a reload loses nothing of it. */
export function useDraft() {
  const [draft, setDraft] = useState<Draft | null>(null)
  const [isRestored, setRestored] = useState(false)
  useEffect(() => {
    let gone = false
    loadDraft()
      .then((found) => {
        if (gone || !found) return
        setDraft(found)
        setRestored(true)
      })
      .catch(() => undefined) // a browser that keeps nothing begins anew
    return () => {
      gone = true
    }
  }, [])
  const keep = useCallback((next: Draft) => {
    setDraft(next)
    saveDraft(next).catch(() => undefined)
  }, [])
  const begin = useCallback(
    async (name: string, folder: Folder) => {
      const { manifestOf } = await import("@/lib/bundle/manifest") // with a YAML parser, which the first load goes without
      setRestored(false)
      keep({ name, ...folder, manifest: manifestOf(folder.files).toString(), salt: newSalt() })
    },
    [keep],
  )
  const drop = useCallback(() => {
    setDraft(null)
    setRestored(false)
    dropDraft().catch(() => undefined)
  }, [])
  return { draft, isRestored, begin, keep, drop }
}

/** Tells equal jobs apart. */
export function newSalt(): `0x${string}` {
  return toHex(crypto.getRandomValues(new Uint8Array(32)))
}
