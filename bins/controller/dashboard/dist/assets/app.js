const about = await (await fetch("/api/v1/about")).json();
document.getElementById("about").textContent += ` Version ${about.version}.`;
