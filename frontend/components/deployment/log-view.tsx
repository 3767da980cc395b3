"use client"

import { useVirtualizer } from "@tanstack/react-virtual"
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react"

import { Check } from "@/components/market/filters"
import { Button } from "@/components/ui/button"
import { Field } from "@/components/ui/field"
import { StateOf } from "@/components/ui/state-of"
import { useLog } from "@/hooks/use-log"
import { t } from "@/texts/en"

const LINE_PX = 20

/** The live log: searched, paused, downloaded. What a program printed is text here and nothing else. */
export function LogView({ jobId }: { jobId: string }) {
  const [paused, setPaused] = useState(false)
  const [follow, setFollow] = useState(true)
  const [search, setSearch] = useState("")
  const wanted = useDeferredValue(search.toLowerCase())
  const { lines, link } = useLog(jobId, paused)
  const shown = useMemo(
    () => (wanted ? lines.filter((line) => line.text.toLowerCase().includes(wanted)) : lines),
    [lines, wanted],
  )
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 30,
  })
  useEffect(() => {
    if (follow && shown.length > 0) virtual.scrollToIndex(shown.length - 1, { align: "end" })
  }, [follow, shown.length, virtual])
  const download = () => {
    const text = lines.map((line) => `${new Date(line.at_ms).toISOString()} ${line.stream} ${line.text}\n`)
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob(text, { type: "text/plain" }))
    link.download = `${jobId.slice(0, 12)}.log`
    link.click()
    URL.revokeObjectURL(link.href)
  }
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
        <Button onClick={download} disabled={lines.length === 0}>
          {t.log.download}
        </Button>
        <Check label={t.log.follow} on={follow} onChange={setFollow} />
      </div>
      <div className="text-soft flex gap-4 text-sm">
        <span role="status">{wanted ? t.log.matches(shown.length) : t.log.lines(lines.length)}</span>
        <StateOf link={link} />
      </div>
      <div
        ref={box}
        role="log"
        aria-label={t.log.label}
        aria-live="off"
        tabIndex={0}
        className="border-line bg-card h-[60vh] overflow-auto rounded-lg border p-2 font-mono text-[13px] leading-5"
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
      >
        {shown.length === 0 && <p className="text-soft">{t.log.empty}</p>}
        <div className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const line = shown[item.index]
            if (!line) return null
            return (
              <div
                key={item.key}
                className={`absolute left-0 h-5 whitespace-pre ${line.stream === "stderr" ? "text-warn" : ""}`}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {line.text}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}
