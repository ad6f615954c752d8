# What all pictures share. Variables: `output` (a file *.svg or *.png), `width` and `height` in
# pixels.
#
# The colours are those of Okabe and Ito, which people with colour blindness tell apart; every
# curve also has its own dashes and points.
if (!exists("width")) width = 760
if (!exists("height")) height = 440
if (output[strlen(output)-3:*] eq ".png") {
    set terminal pngcairo size width,height font 'DejaVu Sans,10' background '#ffffff' linewidth 1.2
} else {
    set terminal svg size width,height dynamic font 'sans-serif,13' background '#ffffff' linewidth 1.2 name picture
}
set output output
set datafile separator ','
set datafile columnheaders
set encoding utf8

set linetype 1 lc rgb '#0072b2' lw 2 dt 1 pt 7 ps 0.6
set linetype 2 lc rgb '#d55e00' lw 2 dt 1 pt 5 ps 0.6
set linetype 3 lc rgb '#009e73' lw 2 dt (12,4) pt 9 ps 0.7
set linetype 4 lc rgb '#cc79a7' lw 2 dt (6,3) pt 11 ps 0.7
set linetype 5 lc rgb '#e69f00' lw 2 dt (14,4,3,4) pt 13 ps 0.8
set linetype 6 lc rgb '#56b4e9' lw 2 dt (3,3) pt 4 ps 0.7
set linetype 7 lc rgb '#000000' lw 2 dt (14,3,3,3,3,3) pt 6 ps 0.7
set linetype 8 lc rgb '#999999' lw 2 dt 1 pt 8 ps 0.7
set linetype 9 lc rgb '#0072b2' lw 2 dt (2,3) pt 12 ps 0.8
set linetype 10 lc rgb '#d55e00' lw 2 dt (8,3,2,3) pt 10 ps 0.8
set linetype cycle 10

# Compute and wait have the same colours everywhere; compute's second one marks every other
# clock.
compute_colour = '#0072b2'
compute_colour_2 = '#56b4e9'
wait_colour = '#e69f00'

set border 3 lc rgb '#444444'
set tics nomirror out textcolor rgb '#222222'
set grid ytics lc rgb '#e4e4e4' lw 1 dt 1
set key outside top center horizontal textcolor rgb '#222222' samplen 3
set style fill solid 1.0 noborder
