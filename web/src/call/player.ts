// Sound of a recording: each side through a gain of its own. Nothing is asked of the service before somebody presses play, as each access
// is written to its audit log.
export interface PlayerState {
  playing: boolean;
  loading: boolean;
  problem: string | null;
  muted: [boolean, boolean];
  bothEars: boolean;
  rate: number;
}

export class Player {
  readonly audio = new Audio();
  state: PlayerState = { playing: false, loading: false, problem: null, muted: [false, false], bothEars: false, rate: 1 };
  private context: AudioContext | null = null;
  private gains: [GainNode, GainNode] | null = null;
  private crossed: [GainNode, GainNode] | null = null;
  private start = 0;

  constructor(private url: string, private stereo: boolean, private changed: () => void) {
    this.audio.preload = "none";
    this.audio.addEventListener("play", () => this.put({ playing: true, problem: null }));
    this.audio.addEventListener("pause", () => this.put({ playing: false }));
    this.audio.addEventListener("waiting", () => this.put({ loading: true }));
    this.audio.addEventListener("playing", () => this.put({ loading: false }));
    this.audio.addEventListener("error", () => {
      if (this.audio.getAttribute("src")) this.put({ playing: false, loading: false, problem: "The recording cannot be played: it is gone, not for you, or of a format that this browser does not know." });
    });
  }

  private put(change: Partial<PlayerState>): void {
    this.state = { ...this.state, ...change };
    this.changed();
  }

  /** The way of the sound, laid with the first play: browsers let nobody hear anything before. */
  private lay(): void {
    if (this.context || !this.stereo) return;
    const c = (this.context = new AudioContext());
    const splitter = c.createChannelSplitter(2);
    const merger = c.createChannelMerger(2);
    c.createMediaElementSource(this.audio).connect(splitter);
    const side = (from: number, to: number): GainNode => {
      const g = c.createGain();
      splitter.connect(g, from);
      g.connect(merger, 0, to);
      return g;
    };
    this.gains = [side(0, 0), side(1, 1)];
    this.crossed = [side(0, 1), side(1, 0)];
    merger.connect(c.destination);
    this.weigh();
  }

  private weigh(): void {
    for (const i of [0, 1] as const) {
      const open = this.state.muted[i] ? 0 : 1;
      if (this.gains) this.gains[i].gain.value = open;
      if (this.crossed) this.crossed[i].gain.value = this.state.bothEars ? open : 0;
    }
  }

  get position(): number {
    return this.audio.getAttribute("src") ? this.audio.currentTime : this.start;
  }

  seek(s: number): void {
    this.start = Math.max(0, s);
    if (this.audio.getAttribute("src")) this.audio.currentTime = this.start;
    this.changed();
  }

  async play(): Promise<void> {
    this.lay();
    if (!this.audio.getAttribute("src")) {
      this.audio.src = this.url;
      if (this.start) this.audio.currentTime = this.start;
      this.audio.playbackRate = this.state.rate;
      this.put({ loading: true });
    }
    await this.context?.resume();
    await this.audio.play().catch(() => undefined);
  }

  toggle(): void {
    if (this.state.playing) this.audio.pause();
    else void this.play();
  }

  mute(side: 0 | 1): void {
    const muted: [boolean, boolean] = [...this.state.muted];
    muted[side] = !muted[side];
    this.put({ muted });
    this.weigh();
  }

  ears(both: boolean): void {
    this.put({ bothEars: both });
    this.weigh();
  }

  speed(rate: number): void {
    this.audio.playbackRate = rate;
    this.put({ rate });
  }

  close(): void {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    void this.context?.close();
  }
}
