import{a,b,c}from"./chunk-TWGF5QBR.js";import"./chunk-PYOXXPAY.js";import"./chunk-ZMVOBEE4.js";export{a as CLASSES,b as Disk,c as Health};
