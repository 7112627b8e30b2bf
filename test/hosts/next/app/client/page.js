"use client";
import { useEffect, useState } from "react";
import { probe } from "../../../probe.js";

export default function Page() {
  const [answer, setAnswer] = useState("");
  useEffect(() => {
    const ask = async () => {
      const library = await import("resnet-edge");
      const photo = await (await fetch("/photo.jpg")).blob();
      return probe(library, { photo });
    };
    ask().then(
      (it) => setAnswer(JSON.stringify(it)),
      (error) => setAnswer(JSON.stringify(String(error))),
    );
  }, []);
  return <pre id="answer">{answer}</pre>;
}
