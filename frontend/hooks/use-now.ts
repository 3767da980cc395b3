"use client"

import { useEffect, useState } from "react"

/** Unix milliseconds, told anew every second. 0 on the server, whose clock is not this one. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(0)
  useEffect(() => {
    setNow(Date.now())
    const timer = window.setInterval(() => setNow(Date.now()), everyMs)
    return () => window.clearInterval(timer)
  }, [everyMs])
  return now
}
