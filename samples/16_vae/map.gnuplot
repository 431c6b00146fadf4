# Converts a PGM image to PNG: gnuplot -e "input='vae.pgm'; output='vae.png'" map.gnuplot
side = int(word(system("sed -n 2p '".input."'"), 1))
set terminal pngcairo size side, side
set output output
set margins 0, 0, 0, 0
unset border
unset tics
unset key
unset colorbox
set palette gray
set cbrange [0:255]
set autoscale fix
# The pixels follow a header of three lines.
plot input binary array=(side,side) flipy skip=system("head -n 3 '".input."' | wc -c")+0 format='%uchar' with image
