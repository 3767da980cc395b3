/** One request to a store of this browser's IndexedDB; a database has one store, made when it is first asked for. */
export function askStore<T>(
  database: string,
  name: string,
  what: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(database, 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore(name)
    opening.onerror = () => reject(opening.error ?? new Error("no storage"))
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(name, "readwrite")
      const request = what(transaction.objectStore(name))
      transaction.oncomplete = () => {
        opening.result.close()
        resolve(request.result)
      }
      transaction.onabort = () => {
        opening.result.close()
        reject(transaction.error ?? new Error("no storage")) // also when there is no room, which is no error of a request
      }
    }
  })
}
