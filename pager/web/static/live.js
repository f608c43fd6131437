// Keeps an open page true: when there is news, its parts are taken from a fresh copy of it. Without this script the
// page works as well, and is made anew by the browser.
(() => {
  const parts = () => [...document.querySelectorAll("[data-part]")];
  if (!parts().length || !window.EventSource) return;
  const url = new URL(location.href);
  url.searchParams.delete("done");
  let seen = document.querySelector("main").dataset.mark || "", touched = 0, waiting = 0;
  // Nothing moves under a thumb, and nothing that somebody fills in goes away.
  const busy = (part) => Date.now() - touched < 700 ||
    (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
  const renew = async () => {
    clearTimeout(waiting);
    waiting = setTimeout(renew, 30000);
    const answer = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || answer.status === 401) return answer && location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    for (const part of parts()) {
      const news = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!news || news.innerHTML === part.innerHTML) continue;
      if (busy(part)) {
        clearTimeout(waiting);
        waiting = setTimeout(renew, 800);
        continue;
      }
      part.className = news.className;
      part.replaceChildren(...news.childNodes);
    }
  };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  const source = new EventSource("/live");
  source.addEventListener("news", (event) => {
    if (seen && seen !== event.data) renew();
    seen = event.data;
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
  waiting = setTimeout(renew, 30000);
})();
