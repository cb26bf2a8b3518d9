// Reads what harness/reporting/transcript_encoding.py writes; its docstring describes the bytes.
const SIDES = ["target", "baseline", "amplified"];
const N_LIKELIEST = 5, NEW = 10, NOTHING = 11;
const UNKNOWN_LOGP = 255, UNKNOWN_RATIO = -32768;
const LOGP_SCALE = 46, LIKELY_SCALE = 32, RATIO_STEP_NATS = 0.05;

async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const logpOf = (level, scale) => (level === UNKNOWN_LOGP ? NaN : -((level / scale) ** 2));

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
    this.countAlternatives();
    this.placeReplies();
  }

  // Where the alternatives of each measured token begin among the new ones, and among the others.
  countAlternatives() {
    const planes = SIDES.map((side) => this.planes[`best_${side}`]);
    const n = planes[0].length / N_LIKELIEST;
    this.newAt = new Uint32Array(n + 1);
    this.sameAt = new Uint32Array(n + 1);
    for (let token = 0; token < n; token++) {
      let fresh = 0, same = 0;
      for (const best of planes) {
        for (let i = token * N_LIKELIEST; i < (token + 1) * N_LIKELIEST; i++) {
          fresh += best[i] === NEW;
          same += best[i] < NEW;
        }
      }
      this.newAt[token + 1] = this.newAt[token] + fresh;
      this.sameAt[token + 1] = this.sameAt[token] + same;
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
    const i = reply.start + position, target = logpOf(this.planes.target[i], LOGP_SCALE);
    const text = this.texts[this.number("text", i)];
    const likeliest = reply.alternatives ? this.likeliest(reply.measured + position) : null;
    const logps = {
      target,
      baseline: Math.min(0, target - this.ratio(i)),
      amplified: logpOf(this.planes.amplified[i], LOGP_SCALE),
    };
    // Rounded otherwise; beside its own row it must not look like another number.
    for (const side of SIDES) logps[side] = likeliest?.[side].find((one) => one.text === text)?.logp ?? logps[side];
    return { text, ratio: this.ratio(i), logps, likeliest };
  }

  likeliest(measured) {
    const found = [];
    let fresh = this.newAt[measured], same = this.sameAt[measured];
    for (const side of SIDES) {
      for (let j = 0; j < N_LIKELIEST; j++) {
        const code = this.planes[`best_${side}`][measured * N_LIKELIEST + j];
        if (code === NOTHING) found.push(null);
        else if (code < NEW) {
          const known = found[code];
          found.push({ text: known.text, level: (known.level + this.planes.same[same++]) & 255 });
        } else {
          const before = j === 0 ? 0 : found.at(-1)?.level ?? 0;
          found.push({ text: this.texts[this.number("new", fresh)], level: (before + this.planes.fresh[fresh++]) & 255 });
        }
      }
    }
    const rows = found.map((one) => one && { text: one.text, logp: logpOf(one.level, LIKELY_SCALE) });
    return Object.fromEntries(SIDES.map((side, i) => (
      [side, rows.slice(i * N_LIKELIEST, (i + 1) * N_LIKELIEST).filter(Boolean)])));
  }
}
