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
  // A sound for what nobody has yet, where somebody asked for it. Browsers make none before the first tap on a page.
  const place = document.querySelector("[data-sound]"), button = document.createElement("button");
  let sound = false, audio = null;
  try { sound = localStorage.getItem("sound") === "on"; } catch { /* It is asked for on each page, then. */ }
  const waits = () => [...document.querySelectorAll(".incidents .triggered .code")].map((one) => one.textContent);
  const ring = () => {
    audio ??= new AudioContext();
    audio.resume();
    for (const after of [0, 0.25]) {
      const tone = audio.createOscillator();
      tone.frequency.value = 880;
      tone.connect(audio.destination);
      tone.start(audio.currentTime + after);
      tone.stop(audio.currentTime + after + 0.15);
    }
  };
  const label = () => {
    button.textContent = sound ? "Sound is on" : "Sound is off";
    button.setAttribute("aria-pressed", sound);
  };
  button.type = "button";
  button.className = "plain";
  button.addEventListener("click", () => {
    sound = !sound;
    try { localStorage.setItem("sound", sound ? "on" : "off"); } catch { /* As above. */ }
    label();
    if (sound) ring();
  });
  label();
  place?.append(button);
  const renew = async () => {
    clearTimeout(waiting);
    waiting = setTimeout(renew, 30000);
    const answer = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || answer.status === 401) return answer && location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    const known = waits();
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
    if (sound && waits().some((code) => !known.includes(code))) ring();
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
