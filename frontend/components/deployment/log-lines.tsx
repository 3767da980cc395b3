"use client"

import { useVirtualizer } from "@tanstack/react-virtual"
import { useEffect, useRef } from "react"

import type { LogLine, LogStore } from "@/lib/log/store"
import { t } from "@/texts/en"

const LINE_PX = 20

interface LinesProps {
  log: LogStore
  label: string
  empty: string
  count: number
  number: (index: number) => number | undefined
  follow: boolean
  times?: boolean
  onLeave: () => void
}

/** The lines of a log that are in view; what a program printed is text here and nothing else. */
export function Lines({ log, label, empty, count, number, follow, times = false, onLeave }: LinesProps) {
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 30,
  })
  useEffect(() => {
    if (follow && count > 0) virtual.scrollToIndex(count - 1, { align: "end" })
  }, [follow, count, virtual])
  return (
    <div
      ref={box}
      role="log"
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      className="border-line bg-card h-[60vh] overflow-auto rounded-lg border p-2 font-mono text-[13px] leading-5"
      onWheel={(event) => event.deltaY < 0 && onLeave()}
      onTouchMove={onLeave}
      onKeyDown={(event) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && onLeave()}
    >
      {count === 0 && <p className="text-soft">{empty}</p>}
      <div className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const line = log.at(number(item.index) ?? -1)
          return line && <Line key={item.key} line={line} top={item.start} run={log.hasManyRuns} times={times} />
        })}
      </div>
    </div>
  )
}

function Line({ line, top, run, times }: { line: LogLine; top: number; run: boolean; times: boolean }) {
  const isFault = line.stream === "stderr"
  return (
    <div
      className="absolute left-0 flex h-5 gap-2 whitespace-pre"
      style={{ transform: `translateY(${top}px)` }}
      data-stream={line.stream}
    >
      {run && <span className="text-brand select-none">{t.deployment.run(line.attempt)}</span>}
      {times && <time className="text-soft select-none">{new Date(line.at_ms).toISOString().slice(11, 23)}</time>}
      {isFault && <span className="text-warn font-semibold select-none">{t.log.stderr}</span>}
      <span className={isFault ? "text-warn" : ""} data-line>
        {line.text}
      </span>
      {line.goes_on && (
        <span className="text-soft select-none" title={t.log.goesOn}>
          …
        </span>
      )}
    </div>
  )
}
