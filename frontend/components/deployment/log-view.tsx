"use client"

import { useVirtualizer } from "@tanstack/react-virtual"
import { useDeferredValue, useEffect, useRef, useState } from "react"

import { Check } from "@/components/market/filters"
import { Button } from "@/components/ui/button"
import { Field } from "@/components/ui/field"
import { StateOf } from "@/components/ui/state-of"
import { useLog, useLogSearch } from "@/hooks/use-log"
import { save } from "@/lib/save"
import type { LogLine, LogStore } from "@/lib/log/store"
import { t } from "@/texts/en"

const LINE_PX = 20

/** The live log: searched, paused, downloaded. What a program printed is text here and nothing else. */
export function LogView({ jobId }: { jobId: string }) {
  const [paused, setPaused] = useState(false)
  const [follow, setFollow] = useState(true)
  const [times, setTimes] = useState(false)
  const [search, setSearch] = useState("")
  const wanted = useDeferredValue(search)
  const { log, extent, link } = useLog(jobId, paused)
  const matches = useLogSearch(log, extent, wanted)
  const count = matches ? matches.found.length : extent.end - extent.first
  const number = (index: number) => (matches ? matches.found[index] : extent.first + index)
  const download = () => save(`${jobId.slice(0, 12)}.log`, new Blob([...log.text()], { type: "text/plain" }))
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-end gap-3">
        <Field
          className="min-w-48 grow"
          label={t.log.search}
          type="search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Button aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? t.log.resume : t.log.pause}
        </Button>
        <Button onClick={download} disabled={extent.end === 0}>
          {t.log.download}
        </Button>
      </div>
      <div className="text-soft flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
        <Check label={t.log.follow} on={follow} onChange={setFollow} />
        <Check label={t.log.times} on={times} onChange={setTimes} />
        <span role="status" data-fact="lines">
          {matches ? t.log.matches(count, matches.busy) : t.log.lines(extent.end)}
        </span>
        <StateOf link={link} />
      </div>
      {extent.first > 0 && <p className="text-soft text-sm">{t.log.dropped(extent.first)}</p>}
      <Lines log={log} count={count} number={number} follow={follow} times={times} onLeave={() => setFollow(false)} />
    </div>
  )
}

interface LinesProps {
  log: LogStore
  count: number
  number: (index: number) => number | undefined
  follow: boolean
  times: boolean
  onLeave: () => void
}

function Lines({ log, count, number, follow, times, onLeave }: LinesProps) {
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
      aria-label={t.log.label}
      aria-live="off"
      tabIndex={0}
      className="border-line bg-card h-[60vh] overflow-auto rounded-lg border p-2 font-mono text-[13px] leading-5"
      onWheel={(event) => event.deltaY < 0 && onLeave()}
      onTouchMove={onLeave}
      onKeyDown={(event) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && onLeave()}
    >
      {count === 0 && <p className="text-soft">{t.log.empty}</p>}
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
