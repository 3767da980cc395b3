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
        {copied ? t.common.copied : <CopyIcon />}
      </button>
    </span>
  )
}

function CopyIcon() {
  return (
    <svg viewBox="0 0 16 16" className="size-3.5" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 3.5v-.5A1.5 1.5 0 0 0 9 1.5H3.5A1.5 1.5 0 0 0 2 3v5.5A1.5 1.5 0 0 0 3.5 10H4" />
    </svg>
  )
}
