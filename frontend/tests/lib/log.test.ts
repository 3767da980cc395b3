import { describe, expect, it } from "vitest"

import { LogSearch } from "@/lib/log/search"
import { LogStore, type LogLine } from "@/lib/log/store"
import { printable } from "@/lib/printable"

function lines(count: number, from = 0): LogLine[] {
  return Array.from({ length: count }, (_, n) => {
    return { seq: from + n, attempt: 1, at_ms: 0, stream: "stdout", text: `line ${from + n}` }
  })
}

describe("what a program prints", () => {
  it.each([
    ["plain <b>text</b> & tabs\there", "plain <b>text</b> & tabs\there"],
    ["\u001b[31;1mred\u001b[0m", "red"],
    ["\u001b]8;;http://evil.example\u001b\\click\u001b]8;;\u0007", "click"],
    ["\u001b]0;title\u0007text", "text"],
    ["\u001b[2J\u001b[Hgone", "gone"],
    ["bell\u0007 null\u0000 del\u007f", "bell^G null^@ del^?"],
    ["progress 1%\rprogress 2%", "progress 1%progress 2%"],
    ["user\u202etxt.exe", "user\ufffdtxt.exe"],
    ["lone escape \u001b", "lone escape ^["],
    ["日本語 🎉", "日本語 🎉"],
  ])("%j is shown as %j", (text, shown) => expect(printable(text)).toBe(shown))
})

describe("a log", () => {
  it("drops its oldest lines above its limit, and its lines keep their numbers", () => {
    const log = new LogStore(1000)
    for (let from = 0; from < 50_000; from += 500) log.add(lines(500, from))
    expect(log.end).toBe(50_000)
    expect(log.end - log.first).toBeGreaterThanOrEqual(1000)
    expect(log.end - log.first).toBeLessThanOrEqual(21_000)
    expect(log.at(49_999)?.text).toBe("line 49999")
    expect(log.at(log.first)?.text).toBe(`line ${log.first}`)
    expect(log.at(log.first - 1)).toBeUndefined()
  })

  it("as a file has its streams and runs, and joins what was printed as one line", () => {
    const log = new LogStore()
    const [first, second] = lines(2)
    if (!first || !second) throw new Error("no lines")
    log.add([
      { ...first, text: "begun ", goes_on: true },
      { ...second, text: "ended" },
      { ...second, attempt: 2, stream: "stderr", text: "x" },
    ])
    const head = "1970-01-01T00:00:00.000Z"
    expect([...log.text()].join("")).toBe(`${head} run 1 stdout begun ended\n${head} run 2 stderr x\n`)
    expect(log.hasManyRuns).toBe(true)
  })

  it("of 100,000 lines is searched a little at a time, and to the end", () => {
    const log = new LogStore()
    log.add(lines(100_000))
    const search = new LogSearch(log, "LINE 9999")
    let looks = 1
    while (search.go(0)) looks++
    expect(looks).toBeGreaterThan(50) // it gave way to others in between
    expect(search.found).toEqual([9999, ...Array.from({ length: 10 }, (_, n) => 99_990 + n)])
    log.add(lines(1, 9999))
    expect(search.go(10)).toBe(false)
    expect(search.found.at(-1)).toBe(100_000)
  })

  it("forgets matches whose lines are gone", () => {
    const log = new LogStore(1000)
    log.add(lines(10_000))
    const search = new LogSearch(log, "line")
    while (search.go(100));
    log.add(lines(20_000, 10_000))
    while (search.go(100));
    expect(search.found[0]).toBe(log.first)
    expect(search.found).toHaveLength(1000)
  })
})
