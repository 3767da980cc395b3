"use client"

import { useState } from "react"

import { short } from "@/lib/format"
import { t } from "@/texts/en"

/** An address, hash or CID, shortened, with a button that copies all of it; or that button alone. */
export function CopyText({ text, full = false, bare = false }: { text: string; full?: boolean; bare?: boolean }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    window.setTimeout(() => setCopied(false), 1500)
  }
  return (
    <span className="inline-flex max-w-full items-center gap-1 align-baseline">
      {!bare && (
        <span className={`font-mono text-[13px] ${full ? "break-all" : "truncate"}`} title={text}>
          {full ? text : short(text)}
        </span>
      )}
      <button
        type="button"
        onClick={() => void copy()}
        className="text-soft hover:text-brand cursor-pointer rounded px-1 text-xs"
        aria-label={`${t.common.copy} ${text}`}
      >
        {copied ? t.common.copied : "⧉"}
      </button>
    </span>
  )
}
