"use client"

import { useEffect, useRef, type RefObject } from "react"

/** Whether this part of the page is still shown: somebody who has gone to another one stays there. */
export function useHere(): RefObject<boolean> {
  const here = useRef(true)
  useEffect(() => {
    here.current = true
    return () => {
      here.current = false
    }
  }, [])
  return here
}
