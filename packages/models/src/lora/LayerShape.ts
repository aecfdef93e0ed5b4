/** A layer that can be adapted: linear, or a convolution over pixels. */
export interface LayerShape {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly conv?: {
    readonly kernel: readonly [number, number];
    readonly stride: number;
    /** Zeros around the picture: [top, bottom, left, right]. */
    readonly pad: readonly [number, number, number, number];
  };
}
