"use client"

import { memo, useEffect, useLayoutEffect, useRef, useState } from "react"

import type { LogLine, LogStore } from "@/lib/log/store"
import { t } from "@/texts/en"

const LINE_PX = 20
const BEYOND = 20 // lines drawn above and below what is in view

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
  const [top, setTop] = useState(0)
  const [rows, setRows] = useState(40)
  useEffect(() => {
    const place = box.current
    if (!place) return
    const size = new ResizeObserver(() => setRows(Math.ceil(place.clientHeight / LINE_PX)))
    size.observe(place)
    return () => size.disconnect()
  }, [])
  useLayoutEffect(() => {
    if (follow && box.current) box.current.scrollTop = count * LINE_PX
  }, [follow, count])
  // All lines are equally high, so that which are in view is known without measuring any.
  const from = Math.max(0, Math.min(top, count - rows) - BEYOND)
  const shown = Array.from({ length: Math.min(count, top + rows + BEYOND) - from }, (_, at) => from + at)
  return (
    <div
      ref={box}
      role="log"
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      className="border-line bg-card h-[60vh] overflow-auto rounded-lg border p-2 font-mono text-[13px] leading-5"
      onScroll={(event) => setTop(Math.floor(event.currentTarget.scrollTop / LINE_PX))}
      onWheel={(event) => event.deltaY < 0 && onLeave()}
      onTouchMove={onLeave}
      onKeyDown={(event) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && onLeave()}
    >
      {count === 0 && <p className="text-soft">{empty}</p>}
      <div className="relative" style={{ height: count * LINE_PX }}>
        {shown.map((index) => {
          const line = log.at(number(index) ?? -1)
          return line && <Line key={index} line={line} top={index * LINE_PX} run={log.hasManyRuns} times={times} />
        })}
      </div>
    </div>
  )
}

interface LineProps {
  line: LogLine
  top: number
  run: boolean
  times: boolean
}

const Line = memo(function Line({ line, top, run, times }: LineProps) {
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
})
