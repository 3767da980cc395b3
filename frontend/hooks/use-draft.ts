"use client"

import { useCallback, useEffect, useRef, useState } from "react"
import { toHex } from "viem"

import { dropDraft, loadDraft, saveDraft, saveWords, type Draft, type Words } from "@/lib/bundle/draft"
import type { Folder } from "@/lib/bundle/files"

/** What is about to be posted; a reload loses nothing of it. */
export function useDraft() {
  const [draft, setDraft] = useState<Draft | null>(null)
  const [isRestored, setRestored] = useState(false)
  const newest = useRef<Draft | null>(null)
  const show = useCallback((next: Draft | null) => {
    newest.current = next
    setDraft(next)
  }, [])
  useEffect(() => {
    let gone = false
    loadDraft()
      .then((found) => {
        if (gone || !found || newest.current) return
        show(found)
        setRestored(true)
      })
      .catch(() => undefined) // a browser that keeps nothing begins anew
    return () => {
      gone = true
    }
  }, [show])
  const begin = useCallback(
    async (name: string, folder: Folder) => {
      const { manifestOf } = await import("@/lib/bundle/manifest") // with a YAML parser, which the first load goes without
      const next = { name, ...folder, manifest: manifestOf(folder.files).toString(), salt: newSalt() }
      setRestored(false)
      show(next)
      saveDraft(next).catch(() => undefined)
    },
    [show],
  )
  const change = useCallback(
    (what: Partial<Words>) => {
      if (!newest.current) return
      const next = { ...newest.current, ...what }
      show(next)
      saveWords(next).catch(() => undefined)
    },
    [show],
  )
  const drop = useCallback(() => {
    show(null)
    setRestored(false)
    dropDraft().catch(() => undefined)
  }, [show])
  return { draft, isRestored, begin, change, drop }
}

/** Tells equal jobs apart. */
export function newSalt(): `0x${string}` {
  return toHex(crypto.getRandomValues(new Uint8Array(32)))
}
