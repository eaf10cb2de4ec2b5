// The page is complete without this: it is fetched again, whole, when something
// has happened, and only what has changed in the document is replaced.
"use strict";
(() => {
	const LEAST_MS = 2000, IDLE_MS = 60000, AGAIN_MS = 5000;
	const input = document.getElementById("q");
	const live = document.getElementById("live");
	let timer = 0, lastAt = Date.now(), wanted = 0;

	document.documentElement.classList.add("has-script");

	const refresh = async () => {
		const mine = ++wanted;

		clearTimeout(timer);
		timer = 0;
		try {
			const reply = await fetch(location.href, { cache: "no-store" });
			const text = await reply.text();

			if (!reply.ok || mine !== wanted)
				return;
			// Of no use here, and the policy would complain.
			const doc = new DOMParser().parseFromString(
			    text.replace(/<(style|script) [^]*?<\/\1>/g, ""),
			    "text/html");

			for (const id of ["main", "asof", "lang"]) {
				const from = doc.getElementById(id);
				const to = document.getElementById(id);

				if (from && to && from.innerHTML !== to.innerHTML)
					replace(to, from);
			}
			document.title = doc.title;
		} catch {
			// acmed is away; the stream tells when it is back.
		} finally {
			lastAt = Date.now();
			soon(IDLE_MS);
		}
	};

	// What has the focus keeps it.
	const replace = (to, from) => {
		const at = document.activeElement;
		const href = to.contains(at) ? at.getAttribute("href") : null;

		to.replaceChildren(...document.adoptNode(from).childNodes);
		if (href !== null)
			[...to.querySelectorAll("a")].find((a) =>
			    a.getAttribute("href") === href)?.focus();
	};

	let dueAt = Infinity;
	const soon = (ms) => {
		const at = Date.now() + ms;

		if (timer !== 0 && dueAt <= at)
			return;
		clearTimeout(timer);
		dueAt = at;
		timer = setTimeout(() => {
			timer = 0;
			// One that nobody looks at waits.
			if (!document.hidden)
				refresh();
		}, ms);
	};

	const follow = async () => {
		try {
			const reply = await fetch("./v1/events", { cache: "no-store" });

			if (!reply.ok)
				throw new Error(reply.status);
			const reader = reply.body.getReader();

			live.hidden = false;
			soon(LEAST_MS);
			for (;;) {
				const { done, value } = await reader.read();

				if (done)
					break;
				// A lone line end is a sign of life.
				if (value.length > 1)
					soon(Math.max(LEAST_MS -
					    (Date.now() - lastAt), 200));
			}
		} catch {
			// Below.
		}
		live.hidden = true;
		setTimeout(follow, AGAIN_MS);
	};

	let typed = 0;
	input.addEventListener("input", () => {
		clearTimeout(typed);
		typed = setTimeout(() => {
			const url = new URL(location.href);

			for (const key of ["after", "cert"])
				url.searchParams.delete(key);
			if (input.value)
				url.searchParams.set("q", input.value);
			else
				url.searchParams.delete("q");
			history.replaceState(null, "", url);
			refresh();
		}, 250);
	});
	document.addEventListener("keydown", (event) => {
		if (event.key === "/" && document.activeElement !== input) {
			event.preventDefault();
			input.focus();
		}
	});
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden && Date.now() - lastAt > LEAST_MS)
			refresh();
	});
	soon(IDLE_MS);
	follow();
})();
