"use client"

import { useId, type KeyboardEvent, type ReactNode } from "react"

interface Props<Name extends string> {
  label: string
  names: Readonly<Record<Name, string>>
  open: Name
  onOpen: (name: Name) => void
  children: ReactNode
}

/** Views of which one is shown. Arrows turn them: https://www.w3.org/WAI/ARIA/apg/patterns/tabs/ */
export function Tabs<Name extends string>({ label, names, open, onOpen, children }: Props<Name>) {
  const id = useId()
  const all = Object.keys(names) as Name[]
  const turn = (event: KeyboardEvent) => {
    const [last, from] = [all.length - 1, all.indexOf(open)]
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key]
    const name = to !== undefined && all.at(to > last ? 0 : to)
    if (!name) return
    event.preventDefault()
    onOpen(name)
    document.getElementById(`${id}-${name}`)?.focus()
  }
  return (
    <>
      <div
        role="tablist"
        aria-label={label}
        className="border-line flex gap-1 overflow-x-auto border-b"
        onKeyDown={turn}
      >
        {all.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={name === open}
            aria-controls={`${id}-panel`}
            tabIndex={name === open ? 0 : -1}
            className={`cursor-pointer border-b-2 px-3 py-2 text-sm font-medium whitespace-nowrap ${
              name === open ? "border-brand text-brand" : "border-transparent"
            }`}
            onClick={() => onOpen(name)}
          >
            {names[name]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${open}`} tabIndex={0} className="pt-4">
        {children}
      </div>
    </>
  )
}
