/* global FILES, VERSION */
// Keeps all files of one build. The next build takes over when no tab shows this one any more.
const cacheName = `${self.registration.scope} ${VERSION}`;

self.addEventListener('install', (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: 'reload' }));
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(requests)));
});

self.addEventListener('activate', (event) => {
  const stale = (name) => name.startsWith(`${self.registration.scope} `) && name !== cacheName;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(stale).map((name) => caches.delete(name)))),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || !url.href.startsWith(self.registration.scope)) return;
  if (url.pathname.endsWith('/')) url.pathname += 'index.html';
  event.respondWith(
    caches
      .open(cacheName)
      .then((cache) => cache.match(url.href, { ignoreSearch: true }))
      .then((kept) => kept ?? fetch(request)),
  );
});
