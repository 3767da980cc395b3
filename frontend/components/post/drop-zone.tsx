"use client"

import { useRef, useState } from "react"

import { Button } from "@/components/ui/button"
import { Notice } from "@/components/ui/notice"
import { filesOfDrop, filesOfInput, type Folder } from "@/lib/bundle/files"
import { words } from "@/lib/errors"
import { t } from "@/texts/en"

interface Props {
  maxBytes: number
  onFiles: (name: string, folder: Folder) => Promise<void>
}

/** Takes a folder, a zip or a checkout: dropped, or chosen. */
export function DropZone({ maxBytes, onFiles }: Props) {
  const [over, setOver] = useState(false)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState("")
  const folder = useRef<HTMLInputElement>(null)
  const zip = useRef<HTMLInputElement>(null)

  const take = async (name: string, reading: Promise<Folder>) => {
    setBusy(true)
    setFault("")
    try {
      await onFiles(name, await reading)
    } catch (error) {
      setFault(words(error))
    } finally {
      setBusy(false)
    }
  }
  const chosen = (input: HTMLInputElement) => {
    const { files } = input
    if (!files?.length) return
    const name = files[0]?.webkitRelativePath.split("/")[0] || files[0]?.name || ""
    void take(name, filesOfInput(files, maxBytes)).then(() => (input.value = ""))
  }
  return (
    <div className="space-y-3">
      <div
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setOver(false)
          void take(
            event.dataTransfer.items[0]?.webkitGetAsEntry()?.name ?? "",
            filesOfDrop(event.dataTransfer.items, maxBytes),
          )
        }}
        className={`rounded-lg border-2 border-dashed p-10 text-center ${over ? "border-brand" : "border-line"}`}
      >
        <p className="font-medium">{busy ? t.post.reading : t.post.drop}</p>
        <p className="text-soft mt-2 mb-3 text-sm">{t.post.or}</p>
        <div className="flex justify-center gap-2">
          <Button onClick={() => folder.current?.click()} disabled={busy}>
            {t.post.folder}
          </Button>
          <Button onClick={() => zip.current?.click()} disabled={busy}>
            {t.post.zip}
          </Button>
        </div>
        <input
          ref={folder}
          type="file"
          className="hidden"
          aria-label={t.post.folder}
          {...{ webkitdirectory: "" }}
          multiple
          onChange={(event) => chosen(event.target)}
        />
        <input
          ref={zip}
          type="file"
          className="hidden"
          aria-label={t.post.zip}
          accept=".zip,application/zip"
          onChange={(event) => chosen(event.target)}
        />
      </div>
      {fault && <Notice tone="bad">{fault}</Notice>}
    </div>
  )
}
