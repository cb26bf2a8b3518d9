// Reads what harness/reporting/transcript_encoding.py writes; its docstring describes the bytes.
const SIDES = ["target", "baseline", "amplified"];
const N_LIKELIEST = 5, NEW = 10, NOTHING = 11;
const UNKNOWN_LOGP = 255, UNKNOWN_RATIO = -32768;
const LOGP_SCALE = 46, RATIO_STEP_NATS = 0.05;

async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const logpOf = (level) => (level === UNKNOWN_LOGP ? NaN : -((level / LOGP_SCALE) ** 2));

class Transcripts {
  constructor(bytes) {
    const size = new DataView(bytes.buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    this.texts = header.texts;
    this.scorers = header.scorers;
    this.prompts = header.prompts;
    this.planes = {};
    let at = 4 + size;
    for (const [name, length] of Object.entries(header.planes)) {
      this.planes[name] = bytes.subarray(at, at + length);
      at += length;
    }
    this.countNew();
    this.placeReplies();
  }

  // Where the new alternatives of each measured token begin.
  countNew() {
    const { best } = this.planes, width = SIDES.length * N_LIKELIEST;
    this.newAt = new Uint32Array(best.length / width + 1);
    for (let token = 0, n = 0; token < this.newAt.length - 1; token++) {
      for (let i = token * width; i < (token + 1) * width; i++) n += best[i] === NEW;
      this.newAt[token + 1] = n;
    }
  }

  // Where the tokens of each reply begin, and those of them with alternatives.
  placeReplies() {
    let token = 0, measured = 0;
    for (const reply of this.replies()) {
      reply.start = token;
      reply.measured = measured;
      token += reply.traced ?? 0;
      if (reply.alternatives) measured += reply.traced;
      reply.marks = reply.marks.map(([scorer, label, value, unit, why]) => (
        { scorer: this.scorers[scorer], label, value, unit, why }));
    }
  }

  * replies() {
    for (const prompt of this.prompts) for (const row of prompt.rows) yield* row.replies;
  }

  number(name, i) {
    const planes = this.planes;
    return planes[`${name}0`][i] | planes[`${name}1`][i] << 8 | planes[`${name}2`][i] << 16;
  }

  // What token i contributes to its reply.
  piece(i) {
    return this.texts[(this.number("text", i) + this.number("piece", i)) & 0xffffff];
  }

  // What reply says, whole.
  said(reply) {
    if (!reply.traced) return reply.text ?? "";
    let text = "";
    for (let i = 0; i < reply.traced; i++) text += this.piece(reply.start + i);
    return text + (reply.rest ?? "");
  }

  // log p(target) - log p(baseline) of token i, in nats.
  ratio(i) {
    const steps = (this.planes.ratio0[i] | this.planes.ratio1[i] << 8) << 16 >> 16;
    return steps === UNKNOWN_RATIO ? NaN : steps * RATIO_STEP_NATS;
  }

  // All that is known of one token of a reply.
  token(reply, position) {
    const i = reply.start + position, target = logpOf(this.planes.target[i]);
    return {
      text: this.texts[this.number("text", i)],
      ratio: this.ratio(i),
      logps: {
        target,
        baseline: Math.min(0, target - this.ratio(i)),
        amplified: logpOf(this.planes.amplified[i]),
      },
      likeliest: reply.alternatives ? this.likeliest(reply.measured + position) : null,
    };
  }

  likeliest(measured) {
    const { best, likely } = this.planes, found = [];
    let next = this.newAt[measured];
    for (let i = measured * SIDES.length * N_LIKELIEST; found.length < SIDES.length * N_LIKELIEST; i++) {
      const before = best[i] < NEW ? found[best[i]] : null;
      if (best[i] === NOTHING) found.push(null);
      else if (before) found.push({ text: before.text, level: before.level + likely[i] & 255 });
      else found.push({ text: this.texts[this.number("new", next++)], level: likely[i] });
    }
    const rows = found.map((one) => one && { text: one.text, logp: logpOf(one.level) });
    return Object.fromEntries(SIDES.map((side, i) => (
      [side, rows.slice(i * N_LIKELIEST, (i + 1) * N_LIKELIEST).filter(Boolean)])));
  }
}
